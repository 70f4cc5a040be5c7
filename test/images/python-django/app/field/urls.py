from crops import views
from crops.sitemap import CropMap
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path

urlpatterns = [
    path("", views.home, name="home"),
    path("health", views.health),
    path("crops/<int:pk>/", views.CropPage.as_view(), name="crop"),
    path("crops/new", views.NewCrop.as_view(), name="new"),
    path("feed", views.CropFeed()),
    path("export/<slug:form>", views.export),
    path("picture.png", views.picture),
    path("letter", views.letter),
    path("tidy", views.tidy),
    path("boom", views.boom),
    path("sitemap.xml", sitemap, {"sitemaps": {"crops": CropMap}}, name="django.contrib.sitemaps.views.sitemap"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]
