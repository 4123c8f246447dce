// Package spoken puts numbers, times, dates and telephone numbers into the words in which they are said, in
// Swedish and English, by rules and without any library of a language. A speech engine that is given digits
// reads a year as a quantity and a telephone number as eight millions.
//
// Languages are IETF tags; every one but English is spoken as Swedish. Package spoken asks no clock and makes
// no sound.
package spoken
