import io

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.generic import CreateView, DetailView

from .models import Crop


def home(request):
    return render(request, "crops/home.html", {"crops": Crop.objects.all()})


def health(_request):
    return HttpResponse("ok\n", content_type="text/plain")


class CropPage(DetailView):
    model = Crop


class NewCrop(LoginRequiredMixin, CreateView):
    model = Crop
    fields = ["name", "yield_kg", "sown"]


class CropFeed(Feed):
    title = "Crops"
    link = reverse_lazy("home")

    def items(self):
        return Crop.objects.order_by("pk")

    def item_description(self, item):
        return f"{item.yield_kg} kg"


def export(_request, form):
    from django.core import serializers

    if form not in serializers.get_public_serializer_formats():
        raise Http404(form)
    return HttpResponse(serializers.serialize(form, Crop.objects.all()), content_type="text/plain")


def picture(_request):
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (60, 20), "wheat")
    ImageDraw.Draw(image).text((2, 2), "field", fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return HttpResponse(buffer.getvalue(), content_type="image/png")


def letter(_request):
    from django.core.mail import EmailMultiAlternatives
    from django.template.loader import render_to_string

    message = EmailMultiAlternatives("Harvest", render_to_string("crops/letter.txt"), to=["ada@example.org"])
    message.attach_alternative("<p>Harvest</p>", "text/html")
    return HttpResponse(f"{message.send()} sent", content_type="text/plain")


def tidy(_request):
    from django.core.management import call_command

    out = io.StringIO()
    call_command("tidy", stdout=out)
    return HttpResponse(out.getvalue(), content_type="text/plain")


def boom(_request):
    raise RuntimeError("asked for")
