"""Learning with consent: what people corrected three times becomes a written rule, proposed as a pull
request.

Nothing is learned but what stands in a file of the repository, which a person merged. docs/learning.md
"""
