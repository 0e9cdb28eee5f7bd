# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.fluxops.fleet.plugins.module_utils._noun import run_module
from ansible_collections.fluxops.fleet.plugins.module_utils._nouns import credentials

if __name__ == "__main__":
    run_module(credentials)
