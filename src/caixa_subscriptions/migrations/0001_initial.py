import django.db.models.deletion
from django.db import migrations, models
from djstripe.settings import djstripe_settings

# As dj-stripe does: the subscriber may be the user or an organisation.
SUBSCRIBER_MODEL = djstripe_settings.get_subscriber_model_string()


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(SUBSCRIBER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TrialUsageTracking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="live mode")),
                (
                    "has_used_trial",
                    models.BooleanField(default=False, verbose_name="has used the trial"),
                ),
                (
                    "trial_used_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="trial used at"),
                ),
                (
                    "subscription_id",
                    models.CharField(
                        blank=True,
                        help_text="Stripe's id of the trial's subscription, else of the first one.",
                        max_length=255,
                        verbose_name="subscription",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "subscriber",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="trial_usage",
                        to=SUBSCRIBER_MODEL,
                        verbose_name="subscriber",
                    ),
                ),
            ],
            options={
                "verbose_name": "trial usage",
                "verbose_name_plural": "trial usage",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "livemode"), name="caixa_one_trial_per_subscriber"
                    )
                ],
            },
        ),
    ]
