import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("caixa_subscriptions", "0001_initial"),
        ("djstripe", "0003_2_11"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerEntitlements",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "lookup_keys",
                    models.JSONField(
                        default=list,
                        help_text="Lookup keys of the customer's features.",
                        verbose_name="features",
                    ),
                ),
                ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="caixa_entitlements",
                        to="djstripe.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "customer's entitlements",
                "verbose_name_plural": "customers' entitlements",
            },
        ),
    ]
