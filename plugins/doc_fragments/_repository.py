# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection or playbook may use this fragment.
# It may change or go in any release.
"""How the fleet repository is reached."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment."""

    DOCUMENTATION = r"""
options:
  repository:
    description: The repository, and how this run reaches it.
    type: dict
    required: true
    suboptions:
      url:
        description: C(ssh://git@host/path.git) or C(https://host/path.git), without credentials.
        type: str
        required: true
      branch:
        description: The branch that the clusters follow.
        type: str
        default: main
      private_key:
        description:
          - SSH key, in OpenSSH's format, that may push. It never reaches a file.
          - Without one, the keys of the user's SSH agent are offered.
        type: str
      passphrase:
        description: What O(repository.private_key) is encrypted by. Never asked for.
        type: str
      known_hosts:
        description:
          - Lines of a known_hosts file with the server's host keys. Host keys are pinned, never scanned.
          - For C(github.com), C(gitlab.com), C(bitbucket.org) and C(codeberg.org) the keys that they publish are used
            where none is given.
        type: str
      username:
        description: User name that goes with O(repository.token).
        type: str
        default: git
      token:
        description: Token or password for HTTPS that may push.
        type: str
      ca_cert:
        description: Certificate authority (PEM, the text) that the server's certificate is checked against.
        type: str
      publish:
        description:
          - How a change gets to the branch. V(push) commits and pushes.
          - V(pull_request) pushes a topic branch, and opens a pull request through the forge's API, or updates the one
            that is open.
          - V(worktree) writes into a checkout that is there already, and commits nothing.
        type: str
        choices: [push, pull_request, worktree]
        default: push
      worktree:
        description: A folder of the checkout that V(worktree) of O(repository.publish) writes into.
        type: path
      author_name:
        description: The name that commits bear.
        type: str
        default: Flux fleet
      author_email:
        description: The address that commits bear.
        type: str
        default: fleet@localhost
      signing_key:
        description:
          - The private key that signs the commits, as text. A key of SSH in OpenSSH's format, or one of GPG as
            C(gpg --armor --export-secret-keys) prints it, which needs GnuPG 2.2 or newer on the controller.
          - It never reaches a disk. A GPG key is held in memory, by an agent of its own that ends with the task.
        type: str
      signing_passphrase:
        description: What O(repository.signing_key) is encrypted by, where it is.
        type: str
requirements:
  - git >= 2.34 (on the controller)
"""
