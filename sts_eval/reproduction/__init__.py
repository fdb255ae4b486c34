"""The paper's tables and figures, one by one: what each claims, its figures, and what our records say of it."""
