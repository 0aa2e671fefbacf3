"""Any Hugging Face classifier to a bundle: converted, made fast, checked against the original. Needs the extra ``export``."""
