"""What an environment costs, beside what it should: Cost Explorer read, judged and told."""
