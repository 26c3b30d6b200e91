"""Whether a text may be worked on or published: rules, a provider's endpoint, and what they say."""
