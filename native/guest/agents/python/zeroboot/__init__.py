"""The Python agent: runs cells in one persistent namespace, driven by the host over the link."""
