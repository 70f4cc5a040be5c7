from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Crop",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, unique=True, verbose_name="name")),
                ("yield_kg", models.PositiveIntegerField(verbose_name="yield")),
                ("sown", models.DateTimeField(verbose_name="sown")),
            ],
            options={"ordering": ["name"], "verbose_name": "crop"},
        )
    ]
