# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that breaks a run at a task fails unless the run comes to that task."""

from __future__ import annotations

import pytest

from tests.chaos.moments import STEPS
from tests.integration.platforms import run_playbook, task_names

PLAYBOOK = """
- name: Two tasks
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say something
      ansible.builtin.debug:
    - name: Say more
      ansible.builtin.debug:
      when: never | default(false)
    - name: End here
      ansible.builtin.meta: end_play
    - name: Never said
      ansible.builtin.debug:
"""


@pytest.fixture
def playbook(tmp_path):
    path = tmp_path / "two.yml"
    path.write_text(PLAYBOOK)
    return path


def test_a_task_that_no_playbook_has_is_refused_before_the_run(playbook):
    with pytest.raises(AssertionError, match="no task's name ends with 'say something else'"):
        run_playbook(playbook, lab=None, break_at="say something else", breaks="kill")


def test_a_run_that_does_not_come_to_the_task_fails_the_test(playbook):
    with pytest.raises(AssertionError, match="nothing was broken: the run came to no task 'Never said'"):
        run_playbook(playbook, lab=None, break_at="Never said", breaks="kill")


def test_a_run_is_broken_at_its_task(playbook):
    assert run_playbook(playbook, lab=None, break_at="Say more", breaks="kill").code == -9


@pytest.mark.parametrize("words", STEPS.values())
def test_the_steps_of_the_matrix_are_tasks(playbook, words):
    assert [name for name in task_names(playbook) if name.endswith(words)]
