"""Parts of a change that look made for the checks: no run can prove that, so they are reported."""
