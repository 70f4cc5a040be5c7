from django.contrib.sitemaps import Sitemap

from .models import Crop


class CropMap(Sitemap):
    changefreq = "weekly"

    def items(self):
        return Crop.objects.all()
