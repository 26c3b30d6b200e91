"""The files of ``deploy/``: read, validated, and the compose file played (``make deploy-check``)."""
