// SPDX-License-Identifier: Apache-2.0
// Recognises what is not decoded, so that a message can name it: other images, and other files that are met among images
// or under their names. Formats and their first bytes: https://www.garykessler.net/library/file_sigs.html.
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "image/codec.h"

#ifdef FV__WITH_WEBP
#define WEBP ", WebP"
#else
#define WEBP ""
#endif
#ifdef FV__WITH_TIFF
#define TIFF ", TIFF"
#else
#define TIFF ""
#endif
#define DECODED "JPEG, PNG, GIF" WEBP TIFF ", BMP or PNM"

const char fv__image_formats[] = DECODED;

#define START(text) text, sizeof(text) - 1

typedef struct signature {
    const char *what;
    const char *start; // a pattern of fv__image_matches
    size_t length;
} signature;

// Those that this build decodes are never looked up here.
static const signature images[] = {
    {"a WebP image", START("RIFF....WEBP")},
    {"a TIFF image", START("II*\0")},
    {"a TIFF image", START("MM\0*")},
    {"a TIFF image", START("II+\0")},
    {"a TIFF image", START("MM\0+")},
    {"a HEIC image", START("....ftyphe")},
    {"a HEIF image", START("....ftypmif")},
    {"a HEIF image", START("....ftypmsf")},
    {"an AVIF image", START("....ftypavi")},
    {"a camera's raw file (Canon CR3)", START("....ftypcrx")},
    {"a camera's raw file (Olympus ORF)", START("IIRO")},
    {"a camera's raw file (Olympus ORF)", START("IIRS")},
    {"a camera's raw file (Olympus ORF)", START("MMOR")},
    {"a camera's raw file (Panasonic RW2)", START("IIU\0")},
    {"a camera's raw file (Fujifilm RAF)", START("FUJIFILMCCD-RAW")},
    {"a camera's raw file (Sigma X3F)", START("FOVb")},
    {"a camera's raw file (Minolta MRW)", START("\0MRM")},
    {"a JPEG XL image", START("\xff\x0a")},
    {"a JPEG XL image", START("\0\0\0\x0cJXL \r\n\x87\n")},
    {"a JPEG 2000 image", START("\0\0\0\x0cjP  \r\n\x87\n")},
    {"a JPEG 2000 image", START("\xff\x4f\xff\x51")},
    {"a JPEG XR image", START("II\xbc")},
    {"a Photoshop file (PSD)", START("8BPS")},
    {"a GIMP file (XCF)", START("gimp xcf")},
    {"an ICO icon", START("\0\0\1\0.\0")},
    {"a TGA image", START("\0\0\2\0\0\0\0\0")},
    {"a TGA image", START("\0\0\3\0\0\0\0\0")},
    {"a TGA image", START("\0\0\x0a\0\0\0\0\0")},
    {"a TGA image", START("\0\0\x0b\0\0\0\0\0")},
    {"a CUR cursor", START("\0\0\2\0.\0\0\0.\0.\0")},
    {"an icon of macOS (ICNS)", START("icns")},
    {"an MNG animation", START("\x8aMNG\r\n\x1a\n")},
    {"a JNG image", START("\x8bJNG\r\n\x1a\n")},
    {"a BPG image", START("BPG\xfb")},
    {"a FLIF image", START("FLIF")},
    {"a QOI image", START("qoif")},
    {"a DDS texture", START("DDS ")},
    {"a KTX texture", START("\xabKTX ")},
    {"an OpenEXR image", START("\x76\x2f\x31\x01")},
    {"a Radiance HDR image", START("#?RADIANCE")},
    {"a Radiance HDR image", START("#?RGBE")},
    {"a floating-point PNM (PFM)", START("PF\n")},
    {"a floating-point PNM (PFM)", START("Pf\n")},
    {"a FITS image", START("SIMPLE  =")},
    {"an SGI image", START("\x01\xda\0")},
    {"an SGI image", START("\x01\xda\1")},
    {"a Sun raster image", START("\x59\xa6\x6a\x95")},
    {"a PCX image", START("\x0a\5\1\1")},
    {"a PCX image", START("\x0a\5\1\2")},
    {"a PCX image", START("\x0a\5\1\4")},
    {"a PCX image", START("\x0a\5\1\x08")},
    {"a DCX file of PCX images", START("\xb1\x68\xde\x3a")},
    {"an IFF image (ILBM)", START("FORM....ILBM")},
    {"an IFF image (PBM)", START("FORM....PBM ")},
    {"a farbfeld image", START("farbfeld")},
    {"an XPM image", START("/* XPM */")},
    {"a DjVu document", START("AT&TFORM")},
    {"a Windows metafile (WMF)", START("\xd7\xcd\xc6\x9a")},
    {"a Windows metafile (EMF)", START("\1\0\0\0.................................... EMF")},
    {"a PostScript file", START("%!PS")},
    {"a PostScript file (EPS)", START("\xc5\xd0\xd3\xc6")},
    {"an array of OS/2 bitmaps", START("BA............BM")},
};

static const signature others[] = {
    {"a PDF document", START("%PDF-")},
    {"a PDF document", START("\xef\xbb\xbf%PDF-")},
    {"a zip archive (or a document that is one)", START("PK\3\4")},
    {"an empty zip archive", START("PK\5\6")},
    {"a gzip file", START("\x1f\x8b\x08")},
    {"a bzip2 file", START("BZh")},
    {"an xz file", START("\xfd"
                         "7zXZ")},
    {"a Zstandard file", START("\x28\xb5\x2f\xfd")},
    {"a 7-Zip archive", START("7z\xbc\xaf\x27\x1c")},
    {"a RAR archive", START("Rar!")},
    {"an HDF5 file", START("\x89HDF\r\n\x1a\n")},
    {"a NumPy array", START("\x93NUMPY")},
    {"an AVI video", START("RIFF....AVI ")},
    {"a WAV sound", START("RIFF....WAVE")},
    {"a video (MP4 or QuickTime)", START("....ftyp")},
    {"a video (QuickTime)", START("....moov")},
    {"a video (Matroska or WebM)", START("\x1a\x45\xdf\xa3")},
    {"a macOS metadata file (AppleDouble)", START("\0\5\x16\7")},
    {"a pointer of Git LFS to a file that has not been fetched (git lfs pull gets it)",
     START("version https://git-lfs")},
    {"a program", START("\x7f"
                        "ELF")},
};

// The endings of image files, with the kind they promise.
static const struct {
    const char *ending, *kind;
} endings[] = {
    {".jpg", "JPEG"},      {".jpeg", "JPEG"},     {".jpe", "JPEG"},      {".jfif", "JPEG"},     {".jfi", "JPEG"},
    {".jif", "JPEG"},      {".mpo", "JPEG"},      {".png", "PNG"},       {".apng", "PNG"},      {".gif", "GIF"},
    {".webp", "WebP"},     {".tif", "TIFF"},      {".tiff", "TIFF"},     {".bmp", "BMP"},       {".dib", "BMP"},
    {".pbm", "PNM"},       {".pgm", "PNM"},       {".ppm", "PNM"},       {".pnm", "PNM"},       {".pam", "PNM"},
    {".heic", "HEIC"},     {".heif", "HEIF"},     {".hif", "HEIF"},      {".avif", "AVIF"},     {".jxl", "JPEG XL"},
    {".jp2", "JPEG 2000"}, {".j2k", "JPEG 2000"}, {".j2c", "JPEG 2000"}, {".jpc", "JPEG 2000"}, {".jpf", "JPEG 2000"},
    {".jpx", "JPEG 2000"}, {".jxr", "JPEG XR"},   {".psd", "Photoshop"}, {".svg", "SVG"},       {".ico", "ICO"},
    {".cur", "CUR"},       {".tga", "TGA"},       {".pcx", "PCX"},       {".qoi", "QOI"},       {".pfm", "PFM"},
    {".exr", "OpenEXR"},   {".hdr", "HDR"},       {".xcf", "XCF"},       {".dds", "DDS"},       {".sgi", "SGI"},
    {".xbm", "XBM"},       {".xpm", "XPM"},       {".dng", "raw (DNG)"}, {".nef", "raw (NEF)"}, {".cr2", "raw (CR2)"},
    {".cr3", "raw (CR3)"}, {".arw", "raw (ARW)"}, {".orf", "raw (ORF)"}, {".rw2", "raw (RW2)"}, {".raf", "raw (RAF)"},
    {".pef", "raw (PEF)"}, {".srw", "raw (SRW)"}, {".nrw", "raw (NRW)"}, {".x3f", "raw (X3F)"},
};

// The kind that the ending promises; NULL: it is none of an image.
static const char *kind_named(const char *path) {
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(ending, endings[i].ending) == 0) {
            return endings[i].kind;
        }
    }
    return NULL;
}

bool fv__image_format_named(const char *format, const char *path) {
    const char *kind = kind_named(path);
    return kind && strcmp(kind, format) == 0;
}

bool fv__image_named(const char *path) {
    return kind_named(path) != NULL;
}

bool fv__image_named_raw(const char *path) {
    const char *kind = kind_named(path);
    return kind && strncmp(kind, "raw", 3) == 0;
}

static const char *find(const signature *kinds, size_t count, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < count; i++) {
        if (fv__image_matches(bytes, size, kinds[i].start, kinds[i].length)) {
            return kinds[i].what;
        }
    }
    return NULL;
}

// Markup has no first bytes of its own: byte order marks, blanks and comments may come before it.
static const char *find_markup(const uint8_t *bytes, size_t size) {
    char text[FV__IMAGE_START + 1];
    size_t length = 0, at = size > 2 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (; at < size && length < FV__IMAGE_START; at++) {
        if (length || !isspace(bytes[at])) {
            text[length++] = (char)tolower(bytes[at]);
        }
    }
    text[length] = '\0';
    return text[0] != '<'                                            ? NULL
           : strstr(text, "<svg") || strstr(text, "<!doctype svg")   ? "an SVG drawing"
           : strstr(text, "<html") || strstr(text, "<!doctype html") ? "a web page (HTML)"
           : strncmp(text, "<?xml", 5) == 0                          ? "an XML file"
                                                                     : NULL;
}

static const char *find_image(const uint8_t *bytes, size_t size) {
    enum { DICOM_AT = 128 };
    if (size >= DICOM_AT + 4 && memcmp(bytes + DICOM_AT, "DICM", 4) == 0) {
        return "a DICOM image";
    }
    return find(images, sizeof images / sizeof *images, bytes, size);
}

bool fv__image_begins(const uint8_t *bytes, size_t size) {
    const char *markup = find_markup(bytes, size);
    return fv__image_format_of(bytes, size) || find_image(bytes, size) || (markup && strstr(markup, "SVG"));
}

static bool only_zeros(const uint8_t *bytes, size_t size) {
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

fv_status fv__image_refuse(const fv__image_source *file, fv_error *error) {
    const char *named = kind_named(file->name);
    if (file->size == 0) {
        return fv__fail(error, FV_FORMAT, "%s: the file is empty", file->name);
    }
    if (only_zeros(file->bytes, file->size)) {
        return fv__fail(error, FV_FORMAT, "%s: all bytes of the file are 0, as after a copy that broke off",
                        file->name);
    }
    const char *what = find_image(file->bytes, file->size);
    const char *other = find(others, sizeof others / sizeof *others, file->bytes, file->size);
    other = other ? other : find_markup(file->bytes, file->size);
    if (what || (other && strstr(other, "SVG"))) {
        return fv__fail_unread(error, file, what ? what : other);
    }
    if (other) {
        return fv__fail(error, FV_FORMAT, "%s: %s, not an image", file->name, other);
    }
    if (named && !strstr(DECODED, named)) {
        return fv__fail(error, FV_FORMAT, "%s: by its name a %s image, which cannot be read; convert it to JPEG or PNG",
                        file->name, named);
    }
    return fv__fail(error, FV_FORMAT, "%s: not an image that can be read (" DECODED ")", file->name);
}
