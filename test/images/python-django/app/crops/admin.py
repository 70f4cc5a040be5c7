from django.contrib import admin

from .models import Crop


@admin.register(Crop)
class CropAdmin(admin.ModelAdmin):
    list_display = ["name", "yield_kg", "sown"]
    search_fields = ["name"]
    date_hierarchy = "sown"
