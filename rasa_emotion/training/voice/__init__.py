"""A voice of a company's own calls: lines, views, features of the voice beneath, and heads."""
