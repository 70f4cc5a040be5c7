from crops.models import Crop
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Counts the crops."

    def handle(self, *args, **options):
        self.stdout.write(f"{Crop.objects.count()} crops in order")
