"""What a price level means in Hong Kong dollars per head.

The levels join the ranges of OpenRice, whose mapping to levels is in its platform file. A platform that states its own
range in dollars keeps it (`price_min_hkd` and `price_max_hkd` of its listing).
"""

from __future__ import annotations

PRICE_RANGES_HKD: dict[int, tuple[int, int | None]] = {1: (0, 50), 2: (51, 200), 3: (201, 400), 4: (401, None)}
"""By price level, the lowest and the highest price per head (HKD); None: no upper end."""
