#include "tests/sim/rows.h"

#include "tests/sim/hard_worlds.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define HOUR (3600 * NS_PER_S)

/* clang-format off */
const struct row rows[] = {
	{"metro", "false", 1e-9, 3, 6, 10, 192.37, 539.3, 619.8, 53.47, 63},
	{"metro", "false", 1e-9, 3, 4, 4, 15.26, 40.4, 63.7, 4.39, 0},
	{"metro", "fstep", 1e-10, 4, 6, 10, 306.90, 1979.3, 2351.9, 33.46, 0},
	{"metro", "fstep", 1e-10, 4, 4, 4, 11.14, 27.5, 144.6, 1.21, 0},
	{"metro", "fstep", 1e-10, 1, 6, 10, 214.49, 1250.0, 1667.0, 69.08, 95},
	{"metro", "fstep", 1e-10, 1, 2, 6, 24.63, 69.7, 375.8, 6.72, 0},
	{"metro", "fstep", 1e-10, 1, 4, 4, 21.35, 60.0, 182.7, 2.93, 0},
	{"metro", "fstep", 1e-10, 1, 6, 6, 24.17, 64.5, 0, 6.41, 16},
	{"inet", "", 1e-10, 4, 6, 10, 150.47, 353.7, 368.1, 33.07, 0},
	{"inet", "", 1e-10, 4, 4, 4, 51.29, 132.8, 211.3, 3.00, 0},
	{"inet", "", 1e-10, 1, 6, 10, 180.95, 368.0, 382.0, 82.61, 0},
	{"inet", "", 1e-10, 1, 2, 6, 101.42, 270.1, 579.8, 14.20, 0},
	{"inet", "", 1e-10, 1, 4, 4, 103.52, 278.7, 685.5, 6.92, 0},
	{"inet", "", 1e-10, 1, 6, 6, 101.72, 278.5, 579.1, 13.71, 0},
	{"inet", "", 1e-8, 4, 6, 10, 1209.78, 3135.1, 3459.6, 229.49, 0},
	{"inet", "", 1e-8, 4, 4, 4, 68.87, 176.1, 237.7, 18.94, 0},
	{"inet", "", 1e-8, 1, 6, 10, 1000.18, 2985.8, 3793.4, 545.24, 650},
	{"inet", "", 1e-8, 1, 2, 6, 229.82, 620.5, 846.3, 100.94, 0},
	{"inet", "", 1e-8, 1, 4, 4, 113.15, 294.2, 954.1, 43.85, 0},
	{"inet", "", 1e-8, 1, 6, 6, 230.79, 623.6, 1196.3, 101.72, 0},
	{"inet", "", 1e-9, 4, 6, 10, 479.58, 1182.7, 1226.6, 89.88, 150},
	{"inet", "", 1e-9, 4, 4, 4, 51.53, 133.8, 208.6, 7.48, 0},
	{"inet", "", 1e-9, 1, 6, 10, 535.51, 1336.6, 1651.3, 189.67, 0},
	{"inet", "", 1e-9, 1, 2, 6, 109.00, 295.5, 658.9, 37.99, 0},
	{"inet", "", 1e-9, 1, 4, 4, 105.22, 292.8, 922.9, 17.51, 0},
	{"inet", "", 1e-9, 1, 6, 6, 106.49, 257.3, 588.8, 37.99, 48},
	{"lan", "", 1e-10, 4, 6, 10, 11.90, 32.3, 36.5, 2.29, 0},
	{"lan", "", 1e-10, 4, 4, 4, 0.69, 1.8, 2.4, 0.19, 0},
	{"lan", "", 1e-10, 1, 6, 10, 10.30, 29.1, 37.9, 5.45, 0},
	{"lan", "", 1e-10, 1, 2, 6, 2.27, 6.2, 9.7, 1.01, 0},
	{"lan", "", 1e-10, 1, 4, 4, 1.14, 3.0, 9.5, 0.44, 0},
	{"lan", "", 1e-10, 1, 6, 6, 2.31, 6.6, 11.1, 1.02, 0},
	{"lan", "", 1e-8, 4, 6, 10, 23.54, 66.8, 170.5, 3.17, 0},
	{"lan", "", 1e-8, 4, 4, 4, 6.51, 16.8, 30.2, 1.24, 1.6},
	{"lan", "", 1e-8, 1, 6, 10, 17.48, 58.6, 128.4, 7.66, 0},
	{"lan", "", 1e-8, 1, 2, 6, 13.23, 38.8, 76.2, 6.15, 0},
	{"lan", "", 1e-8, 1, 4, 4, 6.12, 17.7, 34.4, 2.82, 0},
	{"lan", "", 1e-8, 1, 6, 6, 14.17, 40.1, 72.8, 6.84, 0},
	{"lan", "", 1e-9, 4, 6, 10, 25.58, 86.6, 106.1, 3.04, 4.8},
	{"lan", "", 1e-9, 4, 4, 4, 2.53, 6.3, 8.8, 0.49, 0},
	{"lan", "", 1e-9, 1, 6, 10, 24.80, 79.3, 118.3, 9.22, 0},
	{"lan", "", 1e-9, 1, 2, 6, 5.68, 16.5, 28.9, 2.65, 0},
	{"lan", "", 1e-9, 1, 4, 4, 2.65, 7.1, 13.2, 1.11, 1.5},
	{"lan", "", 1e-9, 1, 6, 6, 5.64, 17.2, 26.7, 2.63, 3.4},
	{"lannoisy", "", 1e-10, 4, 6, 10, 48.64, 114.7, 121.6, 9.09, 0},
	{"lannoisy", "", 1e-10, 4, 4, 4, 5.14, 13.1, 18.5, 0.75, 0},
	{"lannoisy", "", 1e-10, 1, 6, 10, 53.95, 133.6, 165.1, 18.97, 0},
	{"lannoisy", "", 1e-10, 1, 2, 6, 10.90, 29.5, 65.9, 3.80, 0},
	{"lannoisy", "", 1e-10, 1, 4, 4, 10.51, 29.3, 92.1, 1.75, 0},
	{"lannoisy", "", 1e-10, 1, 6, 6, 10.60, 25.7, 58.7, 3.80, 0},
	{"lannoisy", "", 1e-8, 4, 6, 10, 164.48, 494.0, 698.3, 26.40, 0},
	{"lannoisy", "", 1e-8, 4, 4, 4, 25.19, 62.4, 91.0, 4.92, 0},
	{"lannoisy", "", 1e-8, 1, 6, 10, 142.31, 502.4, 799.1, 71.35, 0},
	{"lannoisy", "", 1e-8, 1, 2, 6, 57.71, 171.5, 293.5, 26.59, 0},
	{"lannoisy", "", 1e-8, 1, 4, 4, 26.54, 69.6, 134.2, 11.12, 0},
	{"lannoisy", "", 1e-8, 1, 6, 6, 56.07, 162.4, 277.1, 26.37, 0},
	{"lannoisy", "", 1e-9, 4, 6, 10, 124.65, 367.6, 384.1, 22.88, 0},
	{"lannoisy", "", 1e-9, 4, 4, 4, 6.89, 17.4, 24.0, 1.89, 0},
	{"lannoisy", "", 1e-9, 1, 6, 10, 104.48, 307.2, 379.3, 51.18, 0},
	{"lannoisy", "", 1e-9, 1, 2, 6, 22.81, 61.9, 84.6, 10.09, 0},
	{"lannoisy", "", 1e-9, 1, 4, 4, 11.33, 29.4, 95.1, 4.38, 5.9},
	{"lannoisy", "", 1e-9, 1, 6, 6, 23.05, 63.3, 111.6, 10.17, 0},
	{"metro", "loss", 1e-9, 4, 6, 10, 279.92, 697.4, 856.2, 47.06, 0},
	{"metro", "loss", 1e-9, 4, 4, 4, 13.25, 33.9, 51.7, 3.85, 0},
	{"metro", "loss", 1e-9, 1, 6, 10, 250.73, 799.0, 933.1, 119.40, 0},
	{"metro", "loss", 1e-9, 1, 2, 6, 44.38, 115.4, 184.3, 19.84, 0},
	{"metro", "loss", 1e-9, 1, 4, 4, 22.20, 58.9, 160.5, 8.67, 11},
	{"metro", "loss", 1e-9, 1, 6, 6, 43.45, 111.1, 150.5, 19.96, 0},
	{"metro", "", 1e-10, 4, 6, 10, 66.61, 156.8, 161.4, 12.56, 0},
	{"metro", "", 1e-10, 4, 4, 4, 10.32, 26.4, 42.1, 1.14, 1.8},
	{"metro", "", 1e-10, 1, 6, 10, 72.29, 192.8, 196.8, 27.96, 0},
	{"metro", "", 1e-10, 1, 2, 6, 20.71, 57.0, 129.4, 5.65, 0},
	{"metro", "", 1e-10, 1, 4, 4, 20.78, 58.8, 140.5, 2.64, 0},
	{"metro", "", 1e-10, 1, 6, 6, 21.11, 60.5, 130.3, 5.57, 0},
	{"metro", "", 1e-8, 4, 6, 10, 431.44, 1157.5, 1609.9, 66.39, 0},
	{"metro", "", 1e-8, 4, 4, 4, 33.78, 83.6, 111.3, 7.52, 0},
	{"metro", "", 1e-8, 1, 6, 10, 414.52, 1363.3, 1926.4, 156.46, 0},
	{"metro", "", 1e-8, 1, 2, 6, 90.98, 258.6, 380.8, 39.18, 0},
	{"metro", "", 1e-8, 1, 4, 4, 38.55, 98.6, 231.9, 16.76, 0},
	{"metro", "", 1e-8, 1, 6, 6, 93.48, 268.0, 385.0, 38.96, 0},
	{"metro", "", 1e-9, 4, 6, 10, 182.03, 424.8, 593.4, 34.49, 0},
	{"metro", "", 1e-9, 4, 4, 4, 11.36, 28.9, 40.1, 2.88, 0},
	{"metro", "", 1e-9, 1, 6, 10, 177.62, 529.9, 585.8, 77.29, 0},
	{"metro", "", 1e-9, 1, 2, 6, 33.10, 90.0, 218.0, 14.73, 0},
	{"metro", "", 1e-9, 1, 4, 4, 21.59, 57.2, 182.2, 6.61, 0},
	{"metro", "", 1e-9, 1, 6, 6, 33.28, 93.1, 235.4, 15.60, 19},
	{"inet", "sine", 1e-10, 4, 6, 10, 150.51, 357.2, 383.3, 71.03, 0},
	{"inet", "sine", 1e-10, 4, 4, 4, 53.46, 135.1, 199.2, 12.12, 0},
	{"inet", "sine", 1e-10, 1, 6, 10, 192.26, 392.5, 423.5, 102.35, 0},
	{"inet", "sine", 1e-10, 1, 2, 6, 114.28, 301.6, 528.7, 65.30, 0},
	{"inet", "sine", 1e-10, 1, 4, 4, 109.55, 296.2, 818.1, 28.53, 0},
	{"inet", "sine", 1e-10, 1, 6, 6, 121.11, 314.7, 658.8, 64.87, 0},
	{"lan", "sine", 1e-10, 4, 6, 10, 16.44, 42.1, 60.4, 2.06, 0},
	{"lan", "sine", 1e-10, 4, 4, 4, 3.85, 8.7, 11.3, 0.57, 0},
	{"lan", "sine", 1e-10, 1, 6, 10, 14.10, 46.2, 94.3, 5.60, 0},
	{"lan", "sine", 1e-10, 1, 2, 6, 7.90, 23.5, 40.4, 3.60, 0},
	{"lan", "sine", 1e-10, 1, 4, 4, 3.85, 10.1, 17.1, 1.38, 1.9},
	{"lan", "sine", 1e-10, 1, 6, 6, 7.81, 23.9, 36.7, 3.68, 0},
	{"lan", "tilt", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "tilt", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "tilt", 1e-9, 1, 6, 6, 0, 0, 0, 0, 43},
	{"inet", "tilt", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "tilt", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "tilt", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "tilt", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "tilt", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "tilt", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"metro", "uneven", 1e-9, 1, 6, 10, 0, 0, 0, 0, 130},
	{"metro", "uneven", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "uneven", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "uneven", 1e-9, 1, 4, 8, 0, 0, 0, 0, 8.5},
	{"lan", "busy", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "busy", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "busy", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "busy", 1e-9, 1, 6, 6, 0, 0, 0, 0, 210},
	{"inet", "busy", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "busy", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "flapping", 1e-9, 1, 4, 8, 0, 0, 0, 0, 14},
	{"lan", "flapping", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "flapping", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "flapping", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "flapping", 1e-9, 4, 6, 10, 0, 0, 0, 0, 160},
	{"metro", "barely_flapping", 1e-9, 1, 6, 6, 0, 0, 0, 0, 55},
	{"lan", "barely_flapping", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"inet", "barely_flapping", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "barely_flapping", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "balanced", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"metro", "balanced", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "balanced", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0.55},
	{"lan", "longer", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "longer_both", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "longer", 1e-9, 1, 4, 4, 0, 0, 0, 0, 2},
	{"lan", "longer", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "longer", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "longer", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "longer", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "longer", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "longer_both", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "longer_both", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "longer_both", 1e-9, 1, 6, 6, 0, 0, 0, 0, 22},
	{"inet", "longer_both", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "longer_both", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "longer_both", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "shorter", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "shorter", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "shorter", 1e-9, 1, 6, 6, 0, 0, 0, 0, 480},
	{"inet", "shorter", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "shorter", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "shorter", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "biased", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"inet", "biased", 1e-9, 4, 6, 6, 0, 0, 0, 0, 550},
	{"lan", "rougher", 1e-9, 1, 4, 4, 0, 0, 0, 0, 2.9},
	{"lan", "rougher", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "rougher", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "rougher", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "rougher", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "rougher", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "calmer", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "calmer", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "calmer", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "calmer", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "calmer", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "calmer", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "gap", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "gap", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "gap", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "gap", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "gap", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "gap", 1e-9, 1, 6, 6, 0, 0, 0, 0, 610},
	{"inet", "mixed", 1e-9, 4, 4, 8, 0, 0, 0, 0, 0},
	{"inet", "mixed", 1e-9, 4, 6, 6, 0, 0, 0, 0, 3.6},
	{"inet", "mixed", 1e-9, 2, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "mixed_gap", 1e-9, 4, 6, 6, 0, 0, 0, 0, 45},
	{"lan", "wobbly", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"inet", "wobbly", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"wifi", "", 1e-9, 1, 6, 6, 998, 0, 0, 137, 230},
	{"wifi", "", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"rough", "", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"rough", "", 1e-8, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "cool", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "cool", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "cool", 1e-9, 1, 2, 6, 0, 0, 0, 0, 0},
	{"lan", "cool", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "cold", 1e-9, 1, 6, 10, 0, 0, 0, 0, 11},
	{"lan", "cold", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "cold", 1e-9, 1, 2, 6, 0, 0, 0, 0, 0},
	{"lan", "cold", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "cool", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "cool", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"inet", "cool", 1e-9, 1, 2, 6, 0, 0, 0, 0, 0},
	{"inet", "cool", 1e-9, 4, 6, 10, 0, 0, 0, 0, 190},
	{"inet", "cold", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "cold", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"inet", "cold", 1e-9, 1, 2, 6, 0, 0, 0, 0, 0},
	{"inet", "cold", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"far", "cool", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"wifi", "cool", 1e-9, 1, 6, 10, 0, 0, 0, 0, 0},
	{"metro", "cool", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "liar", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "turning", 1e-9, 1, 6, 6, 0, 0, 0, 0, 135},
	{"inet", "turning", 1e-9, 1, 4, 8, 0, 0, 0, 0, 0},
	{"lan", "turning", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"lan", "turning", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "turning", 1e-9, 1, 6, 6, 0, 0, 0, 0, 480},
	{"metro", "set_in_turn", 1e-9, 2, 6, 10, 0, 0, 0, 0, 100},
	{"metro", "set_in_turn", 1e-9, 3, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "set_in_turn", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "runaway", 1e-9, 4, 4, 4, 0, 0, 0, 0, 0},
	{"lan", "liar", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"lan", "runaway", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "liar", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"inet", "runaway", 1e-9, 4, 6, 10, 0, 0, 0, 0, 0},
	{"local", "", 1e-9, 8, 0, 0, 0, 0, 0, 0, 0},
	{"local", "liar", 1e-9, 8, 0, 0, 0, 0, 0, 0, 0},
	{"local", "runaway", 1e-9, 8, 0, 0, 0, 0, 0, 0, 0},
	{"lan", "daily", 1e-9, 1, 6, 10, 7273, 0, 0, 0, 0},
	{"lannoisy", "daily", 1e-9, 1, 6, 10, 9528, 0, 0, 0, 0},
	{"lan", "rush", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "rush", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "rush", 1e-9, 4, 6, 6, 0, 0, 0, 0, 55},
	{"lan", "spiky", 1e-9, 1, 4, 4, 0, 0, 0, 0, 0},
	{"metro", "spiky", 1e-9, 1, 6, 6, 0, 0, 0, 0, 0},
	{"inet", "spiky", 1e-9, 4, 6, 6, 0, 0, 0, 0, 0},
};
/* clang-format on */
const unsigned row_count = sizeof(rows) / sizeof(rows[0]);

struct path {
	const char *name;
	double base, queue;
};

static const struct path paths[] = {
    {"local", 10e-6, 5e-6},
    {"lan", 100e-6, 10e-6},
    {"lannoisy", 200e-6, 100e-6},
    {"near", 1e-3, 300e-6},
    {"metro", 2e-3, 200e-6},
    {"inet", 20e-3, 1e-3},
    {"wifi", 10e-3, 10e-3},
    {"far", 100e-3, 5e-3},
    {"rough", 100e-6, 10e-3},
};

/* The frequency changes by 1 ppm at once, as when a fan starts. */
static void fstep(struct scenario *s)
{
	s->osc.freq += 0.5e-6;
	s->osc.step_at = 24 * HOUR;
	s->osc.step = -1e-6;
}

static void loss(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].loss = 0.1;
}

static void sine(struct scenario *s)
{
	s->osc.sine = 1e-7;
	s->osc.sine_period = 3600;
}

static void one_false(struct scenario *s)
{
	s->server[s->servers - 1].offset = 0.05;
}

/* One server is wrong for some time, by more than queueing explains. */
static void liar(struct scenario *s)
{
	struct sim_server *last = &s->server[s->servers - 1];

	last->lie_from = s->length / 2;
	last->lie_until = s->length * 5 / 8;
	last->lie = 5;
}

/* The time of one server drifts away for some time, and is right again. */
static void runaway(struct scenario *s)
{
	struct sim_server *last = &s->server[s->servers - 1];

	last->lie_from = s->length / 2;
	last->lie_until = s->length * 5 / 8;
	last->lie_freq = 1e-4;
}

/* The queues are twenty times as long in one direction. */
static void tilt(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].down.queue *= 20;
}

/* A busy uplink and an idle downlink. */
static void uneven(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].up.queue *= 10;
		s->server[i].down.queue /= 2;
	}
}

/* A path that is never empty: few delays are near the minimum. */
static void busy(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].up.queue *= 3;
		s->server[i].down.queue *= 3;
		s->server[i].up.shape = s->server[i].down.shape = 10;
	}
}

static void route(struct scenario *s, double up, double down)
{
	double base = s->server[0].up.base;

	s->server[0].route_at = 24 * HOUR;
	s->server[0].route_up = up * base;
	s->server[0].route_down = down * base;
}

static void longer(struct scenario *s)
{
	route(s, 1, 0);
}

/* The path to the server alternates between two routes. */
static void flapping(struct scenario *s)
{
	route(s, 1, 0);
	s->server[0].route_at = 6 * HOUR;
	s->server[0].route_turns = 6 * HOUR;
}

/* The routes differ by no more than the queues. */
static void barely_flapping(struct scenario *s)
{
	flapping(s);
	s->server[0].route_up = s->server[0].up.queue;
}

/* A load balancer sends half of the requests by another route. */
static void balanced(struct scenario *s)
{
	route(s, 0.5, 0);
	s->server[0].route_at = 1;
	s->server[0].route_share = 0.5;
	s->server[0].up.queue /= 10;
	s->server[0].down.queue /= 10;
}

static void longer_both(struct scenario *s)
{
	route(s, 0.5, 0.5);
}

static void shorter(struct scenario *s)
{
	route(s, -0.5, 0);
}

/* Servers that are wrong by a few percent of the delay. */
static void biased(struct scenario *s)
{
	static const double share[SIM_SERVERS] = {
	    0.1, -0.06, 0.03, 0.02, -0.05, -0.02, 0.01, -0.01};

	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].offset = share[i] * s->server[i].up.base;
}

/* One near server, and far ones whose paths make them wrong. */
static void mixed(struct scenario *s)
{
	biased(s);
	s->server[0].offset = 0;
	s->server[0].up = s->server[0].down =
	    (struct way){.base = 100e-6, .queue = 10e-6, .shape = 1};
}

/* The near server of mixed() does not answer for six hours. */
static void mixed_gap(struct scenario *s)
{
	mixed(s);
	s->server[0].gap_from = 20 * HOUR;
	s->server[0].gap_until = 26 * HOUR;
}

/* Servers whose clocks oscillate, each with its own period. */
static void wobbly(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].wobble = 0.02 * s->server[i].up.base;
		s->server[i].period = 3000 * pow(1.7, i);
	}
}

/* The load goes from one way to the other, and back, every three hours. */
static void turning(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].up.turn = 30;
		s->server[i].down.turn = 30;
		s->server[i].turn_time = 3 * HOUR;
	}
}

/* Each server is set to a wrong time, one after the other, and set right again
 * eight hours later. Nobody is wrong in the end. */
static void set_in_turn(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].lie = 0.8 * s->server[i].up.base;
		s->server[i].lie_from = (6 + 10 * (int64_t)i) * HOUR;
		s->server[i].lie_until = s->server[i].lie_from + 8 * HOUR;
		s->settled = s->server[i].lie_until + HOUR;
	}
	s->length = s->settled + 4 * HOUR;
}

static void rougher(struct scenario *s)
{
	s->osc.wander_at = 24 * HOUR;
	s->osc.wander_after = 10 * s->osc.wander;
}

static void calmer(struct scenario *s)
{
	s->osc.wander_at = 24 * HOUR;
	s->osc.wander_after = s->osc.wander / 10;
}

/* Six hours without any answer. */
static void gap(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].gap_from = 20 * HOUR;
		s->server[i].gap_until = 26 * HOUR;
	}
}

/* The network works for half an hour a day (chrony's published test 3). */
static void daily(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].daily = HOUR / 2;
	s->length = 10 * 24 * HOUR;
	s->settled = 2 * 24 * HOUR;
}

static void rush(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].up.rush = s->server[i].down.rush = 10;
		s->server[i].rush_time = 4 * HOUR;
	}
}

static void spiky(struct scenario *s)
{
	for (unsigned i = 0; i < s->servers; i++)
		s->server[i].spikes = 0.1;
}

/* Starts with a wrong clock; the statistics show how soon it is right. */
static void cold(struct scenario *s)
{
	s->offset_s = 1;
	s->osc.freq = -1e-4;
	s->length = 6 * HOUR;
	s->settled = HOUR;
}

static void cool(struct scenario *s)
{
	s->offset_s = 0.1;
	s->osc.freq = 5e-5;
	s->length = 6 * HOUR;
	s->settled = HOUR;
}

static const struct tweak {
	const char *name;
	void (*apply)(struct scenario *s);
} tweaks[] = {
    {"fstep", fstep},
    {"loss", loss},
    {"sine", sine},
    {"false", one_false},
    {"liar", liar},
    {"runaway", runaway},
    {"tilt", tilt},
    {"uneven", uneven},
    {"busy", busy},
    {"longer", longer},
    {"flapping", flapping},
    {"barely_flapping", barely_flapping},
    {"balanced", balanced},
    {"longer_both", longer_both},
    {"shorter", shorter},
    {"biased", biased},
    {"mixed", mixed},
    {"mixed_gap", mixed_gap},
    {"wobbly", wobbly},
    {"turning", turning},
    {"set_in_turn", set_in_turn},
    {"rougher", rougher},
    {"calmer", calmer},
    {"gap", gap},
    {"daily", daily},
    {"rush", rush},
    {"spiky", spiky},
    {"cold", cold},
    {"cool", cool},
};

bool row_is_start(const struct row *row)
{
	return strcmp(row->special, "cold") == 0 ||
	       strcmp(row->special, "cool") == 0;
}

bool row_is_hard(const struct row *row)
{
	return strncmp(row->special, "hard-", 5) == 0;
}

static void set_path(struct scenario *s, const struct path *p)
{
	for (unsigned i = 0; i < s->servers; i++) {
		s->server[i].number = i;
		s->server[i].up = s->server[i].down = (struct way){
		    .base = p->base, .queue = p->queue, .shape = 1};
	}
}

void row_scenario(const struct row *row, struct scenario *out)
{
	*out = (struct scenario){
	    .osc = {.freq = 7e-5, .wander = row->wander},
	    .offset_s = 0.5,
	    .servers = row->servers,
	    .minpoll = row->minpoll,
	    .maxpoll = row->maxpoll,
	    .length = 48 * HOUR,
	    .settled = 4 * HOUR,
	};
	if (row->maxpoll < 2) {
		out->length = 2 * HOUR;
		out->settled = HOUR / 4;
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(paths[i].name, row->path) == 0)
			set_path(out, &paths[i]);
	if (row_is_hard(row)) {
		bool known = hard_apply(row->special, out);

		assert(known);
	}
	for (size_t i = 0; i < sizeof(tweaks) / sizeof(tweaks[0]); i++)
		if (strcmp(tweaks[i].name, row->special) == 0)
			tweaks[i].apply(out);
}
