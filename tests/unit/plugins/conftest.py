# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hypothesis searches: the same examples on each run, unless somebody goes looking for new ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": False}
settings.register_profile("gate", derandomize=True, max_examples=60, **_COMMON)
settings.register_profile("explore", max_examples=600, **_COMMON)
settings.load_profile(os.environ.get("FLEET_HYPOTHESIS", "gate"))
