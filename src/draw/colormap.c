// SPDX-License-Identifier: Apache-2.0
// A sequence of colours in Oklab, a space in which distances are about what people see (Ottosson 2020, "A perceptual
// color space for image processing"): lightness rises in a straight line while the hue turns from violet-blue through
// green to yellow, with as much chroma as the display has there, up to a limit.
#include "draw/colormap.h"

#include <math.h>

static const double DARKEST = 0.27, LIGHTEST = 0.93;    // lightness
static const double FIRST_HUE = 290, LAST_HUE = 103;    // degrees
static const double DARK_CHROMA = 0.13, CHROMA = 0.165; // at the dark end and at the light one

// Linear red, green and blue of a colour; those outside 0 … 1 cannot be shown.
static void to_linear(double lightness, double chroma, double hue, double rgb[3]) {
    const double a = chroma * cos(hue), b = chroma * sin(hue);
    const double l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    const double m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    const double s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
    rgb[0] = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s;
    rgb[1] = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s;
    rgb[2] = -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s;
}

static int can_be_shown(const double rgb[3]) {
    return fmin(rgb[0], fmin(rgb[1], rgb[2])) >= 0 && fmax(rgb[0], fmax(rgb[1], rgb[2])) <= 1;
}

// The transfer function of sRGB.
static uint8_t to_byte(double linear) {
    const double clipped = fmin(fmax(linear, 0), 1);
    const double value = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * pow(clipped, 1 / 2.4) - 0.055;
    return (uint8_t)(value * 255 + 0.5);
}

void fv__colormap(double value, uint8_t colour[3]) {
    const double at = value > 0 ? fmin(value, 1) : 0; // also for what is no number
    const double lightness = DARKEST + (LIGHTEST - DARKEST) * at;
    const double hue = (FIRST_HUE + (LAST_HUE - FIRST_HUE) * at) * 3.14159265358979 / 180;
    double chroma = DARK_CHROMA + (CHROMA - DARK_CHROMA) * at, rgb[3];
    to_linear(lightness, chroma, hue, rgb);
    while (!can_be_shown(rgb) && chroma > 0.005) {
        chroma -= 0.005;
        to_linear(lightness, chroma, hue, rgb);
    }
    for (int i = 0; i < 3; i++) {
        colour[i] = to_byte(rgb[i]);
    }
}
