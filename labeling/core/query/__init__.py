"""Park et al.: any condition by its name and definition, scored by the logits of yes and no (METHODS D).

`direct` and `summary` each have `label` and `manifest`, and share `Config`.
"""

from labeling.core.query.config import Config

__all__ = ["Config"]
