"""The texts that Hob writes on GitHub: pure functions from values to Markdown.

Text from a model or from a repository goes through ``defuse`` first, so that it can mention nobody, close
nothing and command no other bot.
"""
