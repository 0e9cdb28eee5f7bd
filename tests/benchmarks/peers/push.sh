#!/bin/sh
# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One commit of all that changed in this checkout, and its push.
set -eu
git add --all
git diff --cached --quiet && exit 0
git commit --quiet --message "Bootstrap Flux"
git push --quiet origin HEAD
