"""The API's reference as a page, rendered here from its OpenAPI description."""
