"""Routes of images: what the viewer fetches, and what the page for uploads asks."""

from django.urls import path

from annotator.api import image_imports, images

urlpatterns = [
    path("api/projects/<slug:slug>/cases/<int:case_id>/images", images.images, name="api_images"),
    path("api/projects/<slug:slug>/series/<int:series_id>/pack", images.series_pack, name="api_series_pack"),
    path(
        "api/projects/<slug:slug>/series/<int:series_id>/images/<int:number>.dcm",
        images.series_image,
        name="api_series_image",
    ),
    path(
        "api/projects/<slug:slug>/series/<int:series_id>/volume.nii.gz",
        images.series_volume,
        name="api_series_volume",
    ),
    path(
        "api/projects/<slug:slug>/series/<int:series_id>/thumbnail.png",
        images.series_thumbnail,
        name="api_series_thumbnail",
    ),
    path(
        "api/projects/<slug:slug>/series/<int:series_id>/preview.png",
        images.series_preview,
        name="api_series_preview",
    ),
    path("api/projects/<slug:slug>/masks/<int:mask_id>/mask.nii.gz", images.mask, name="api_mask"),
    path("api/projects/<slug:slug>/image-uploads", image_imports.image_upload, name="api_image_upload"),
    path(
        "api/projects/<slug:slug>/image-imports/<int:import_id>",
        image_imports.image_progress,
        name="api_image_progress",
    ),
]
