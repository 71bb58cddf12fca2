"""Health: whether what an environment is made of works at this moment. Looks at the real thing; reads only."""
