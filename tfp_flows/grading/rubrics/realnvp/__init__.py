"""RealNVP for 32x32 images (Dinh et al. 2017), nine graded names."""
