"""What both servers of the sandbox can be asked and told besides what they emulate."""
