"""What a sweep came to: tables, pictures, the best experiment."""
