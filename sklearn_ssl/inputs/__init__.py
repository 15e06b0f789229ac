"""What rows and labels are, before training: checked, encoded, summarised."""
