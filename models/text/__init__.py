"""Words about parts: prompts, levels of description, what an operator writes; and their embeddings."""
