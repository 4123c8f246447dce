/**
 * Tells whether the focus may be moved to where one writes: it is nowhere (after an answer by key, or its button is
 * gone), or on the contact in the list that was just chosen.
 */
export function focusIsFree(): boolean {
  const element = document.activeElement;
  return element === null || element === document.body || element.hasAttribute('data-ongoing');
}
