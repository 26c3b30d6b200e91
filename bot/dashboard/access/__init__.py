"""Who looks at a page, and what they may see: sign-in with GitHub, sessions, repositories, operators."""
