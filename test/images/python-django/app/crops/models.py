from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Crop(models.Model):
    name = models.CharField(_("name"), max_length=40, unique=True)
    yield_kg = models.PositiveIntegerField(_("yield"))
    sown = models.DateTimeField(_("sown"))

    class Meta:
        ordering = ["name"]
        verbose_name = _("crop")

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("crop", args=[self.pk])
