"""Extensions of Sphinx that the book needs."""
