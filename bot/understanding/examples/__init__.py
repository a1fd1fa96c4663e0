"""The company's labelled examples, whatever file they come from, and what is wrong with them."""
