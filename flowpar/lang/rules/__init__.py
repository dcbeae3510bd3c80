"""What a document must keep beyond its shape; one module a subject."""
