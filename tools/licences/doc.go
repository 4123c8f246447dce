// Command licences checks that everything that Svar is built from and tested with allows what EUPL-1.2 needs: every Go
// module that a package or a test of the project imports, by the text of its licence files, and every npm package of the
// console's lock file, by what the package says of itself. It prints each offender with its licence and ends with 1.
//
// It lives in the tools module: what it needs is not part of Svar.
package main
