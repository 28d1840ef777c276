#include <cblas.h>

// LAPACK as OpenBLAS carries it: by its Fortran names, matrices by columns. Lengths of the one-letter arguments come last.
#include <stddef.h>
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t uplo_length);
void ssyevd_(const char *job, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
             const int *lwork, int *iwork, const int *liwork, int *info, size_t job_length, size_t uplo_length);
void sgesdd_(const char *job, const int *m, const int *n, float *a, const int *lda, float *s, float *u, const int *ldu,
             float *vt, const int *ldvt, float *work, const int *lwork, int *iwork, int *info, size_t job_length);
