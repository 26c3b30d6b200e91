"""HTTP to GitHub: one client for every request, its tokens, its pace, its cache, and what answers mean."""
