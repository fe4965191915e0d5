import django.db.models.deletion
from django.db import migrations, models
from djstripe.settings import djstripe_settings

from caixa_subscriptions.models import new_reference

SUBSCRIBER_MODEL = djstripe_settings.get_subscriber_model_string()


class Migration(migrations.Migration):
    dependencies = [
        ("caixa_subscriptions", "0002_customer_entitlements"),
        migrations.swappable_dependency(SUBSCRIBER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="trialusagetracking",
            name="checkout_session_id",
            field=models.CharField(
                blank=True,
                db_index=True,
                help_text="Stripe's id of the open Checkout Session the trial is reserved for.",
                max_length=255,
                verbose_name="Checkout Session",
            ),
        ),
        migrations.AddField(
            model_name="trialusagetracking",
            name="reserved_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="reserved until"),
        ),
        migrations.AddField(
            model_name="trialusagetracking",
            name="trial_end",
            field=models.DateTimeField(
                blank=True,
                help_text="Of a trial that began at sign-up; of one at Stripe, Stripe knows.",
                null=True,
                verbose_name="trial ends at",
            ),
        ),
        migrations.CreateModel(
            name="CheckoutAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="live mode")),
                (
                    "session_id",
                    models.CharField(max_length=255, unique=True, verbose_name="Checkout Session"),
                ),
                (
                    "customer_id",
                    models.CharField(db_index=True, max_length=255, verbose_name="customer"),
                ),
                ("price_id", models.CharField(max_length=255, verbose_name="price")),
                ("params_digest", models.CharField(editable=False, max_length=64)),
                ("trial_days", models.PositiveIntegerField(default=0, verbose_name="trial days")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("complete", "complete"),
                            ("expired", "expired"),
                        ],
                        default="open",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="expires at"),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "subscriber",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="checkout_attempts",
                        to=SUBSCRIBER_MODEL,
                        verbose_name="subscriber",
                    ),
                ),
            ],
            options={
                "verbose_name": "checkout attempt",
                "verbose_name_plural": "checkout attempts",
            },
        ),
        migrations.CreateModel(
            name="StripeRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="live mode")),
                ("operation", models.CharField(max_length=64, verbose_name="operation")),
                (
                    "scope",
                    models.CharField(
                        help_text="What the operation is about, such as an id.",
                        max_length=255,
                        verbose_name="scope",
                    ),
                ),
                ("params_digest", models.CharField(editable=False, max_length=64)),
                ("idempotency_key", models.CharField(editable=False, max_length=255, unique=True)),
                (
                    "is_in_doubt",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="A caller was left without an answer.",
                    ),
                ),
                (
                    "is_shared",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="Several callers sent it at once.",
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "request to Stripe",
                "verbose_name_plural": "requests to Stripe",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("livemode", "operation", "scope", "params_digest"),
                        name="caixa_one_request_under_way",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BillingAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="live mode")),
                (
                    "customer_id",
                    models.CharField(
                        blank=True,
                        help_text="Its id at Stripe.",
                        max_length=255,
                        null=True,
                        verbose_name="customer",
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        default=new_reference,
                        editable=False,
                        help_text=(
                            "In the metadata of a customer made for this account, and for no other."
                        ),
                        max_length=32,
                        verbose_name="reference",
                    ),
                ),
                (
                    "closing",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("cancel", "cancel now"),
                            ("cancel_at_period_end", "cancel at the period's end"),
                        ],
                        help_text=(
                            "What is still to be done at Stripe since the subscriber was deleted."
                        ),
                        max_length=32,
                        verbose_name="closing",
                    ),
                ),
                ("locked_by", models.CharField(blank=True, editable=False, max_length=32)),
                ("locked_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "subscriber",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="billing_accounts",
                        to=SUBSCRIBER_MODEL,
                        verbose_name="subscriber",
                    ),
                ),
            ],
            options={
                "verbose_name": "billing account",
                "verbose_name_plural": "billing accounts",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber", "livemode"), name="caixa_one_account_per_subscriber"
                    ),
                    models.UniqueConstraint(
                        fields=("customer_id",), name="caixa_one_account_per_customer"
                    ),
                    models.UniqueConstraint(
                        fields=("reference",), name="caixa_one_account_per_reference"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Remedy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="live mode")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("second_trial", "second trial"),
                            ("second_subscription", "second subscription"),
                        ],
                        max_length=32,
                        verbose_name="kind",
                    ),
                ),
                (
                    "policy",
                    models.CharField(
                        choices=[
                            ("end_trial", "end the trial now"),
                            ("cancel_and_refund", "cancel and refund"),
                            ("flag", "flag only"),
                        ],
                        max_length=32,
                        verbose_name="policy",
                    ),
                ),
                ("subscription_id", models.CharField(max_length=255, verbose_name="subscription")),
                (
                    "kept_subscription_id",
                    models.CharField(blank=True, max_length=255, verbose_name="kept subscription"),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "claimed_until",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                ("is_told", models.BooleanField(default=False, editable=False)),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done at")),
                (
                    "subscriber",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="remedies",
                        to=SUBSCRIBER_MODEL,
                        verbose_name="subscriber",
                    ),
                ),
            ],
            options={
                "verbose_name": "remedy",
                "verbose_name_plural": "remedies",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscription_id", "kind"), name="caixa_one_remedy_per_subscription"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TrialIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="live mode")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("subscriber", "subscriber"),
                            ("email", "e-mail address"),
                            ("card", "card"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "usage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
                        to="caixa_subscriptions.trialusagetracking",
                        verbose_name="trial usage",
                    ),
                ),
            ],
            options={
                "verbose_name": "trial identity",
                "verbose_name_plural": "trial identities",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("livemode", "kind", "digest"), name="caixa_one_trial_per_identity"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="remedy",
            index=models.Index(fields=["livemode", "done_at"], name="caixa_remedies_to_do"),
        ),
    ]
