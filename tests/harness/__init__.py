"""What the end-to-end tests are made of: cases, the server under test, its peers, and waiting without sleeping."""
