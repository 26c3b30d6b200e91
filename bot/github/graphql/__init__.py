"""What only GraphQL can ask of GitHub, or does in one request where REST takes several."""
