"""What `convert`, `plan` and `batch` share: options, checks, progress and results."""
