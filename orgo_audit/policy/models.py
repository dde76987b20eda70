"""Every version of the policy that was ever loaded, and what became of it; holds no rules."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class PolicyState(models.TextChoices):
    """What became of a version; the newest accepted one is in force."""

    ACCEPTED = "accepted", "accepted"
    WAITING = "waiting", "waits for a decision"
    REFUSED = "refused", "refused"
    SUPERSEDED = "superseded", "replaced before it was decided"


class PolicyVersion(models.Model):
    """A text of the policy file as it was once loaded. Nothing points to it; none is ever deleted.

    A version with a `problem` was refused because it could not be used; a person's decision has
    `decided_by`.
    """

    text = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file's bytes")
    state = models.CharField(max_length=10, choices=PolicyState.choices)
    author = models.TextField(help_text="owner of the file when it was loaded")
    loaded_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.TextField(blank=True, help_text="empty where nobody had to decide")
    withdrawn_at = models.DateTimeField(
        null=True, help_text="when the file went back to the text in force"
    )
    diff = models.TextField(blank=True, help_text="against the text then in force")
    problem = models.TextField(blank=True, help_text="why it was refused, with line and column")
    consequences = models.JSONField(default=list, blank=True)
    plain = models.JSONField(
        null=True,
        blank=True,
        help_text="the policy it makes, defaults and overrides filled in, as SQL can read it",
    )

    class Meta:
        verbose_name = "policy version"
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=PolicyState.values), name="policy_version_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=PolicyState.WAITING, decided_at=None)
                | (~Q(state=PolicyState.WAITING) & Q(decided_at__isnull=False)),
                name="policy_version_decided_unless_waiting",
            ),
            models.CheckConstraint(
                condition=Q(problem="") | Q(state=PolicyState.REFUSED),
                name="policy_version_problem_refused",
            ),
            models.CheckConstraint(
                condition=~Q(problem="") | Q(plain__isnull=False),
                name="policy_version_plain_unless_problem",
            ),
            models.UniqueConstraint(
                fields=("state",),
                condition=Q(state=PolicyState.WAITING),
                name="policy_version_one_waits",
            ),
        )

    def __str__(self) -> str:
        return f"policy version {self.pk} ({self.state})"
