"""The whole book as one PDF: all pages in one document, which a browser prints."""
