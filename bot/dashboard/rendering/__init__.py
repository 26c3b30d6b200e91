"""Values as pages show them: always as text, whoever wrote them."""
