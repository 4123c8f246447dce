/** The pages beside the agent's work place, as the address names them after "#". */
export type Page = 'work' | 'tickets' | 'notices' | 'figures' | 'talks' | 'recordings' | 'sound';

export interface Place {
  page: Page;
  /** The ticket that the page of tickets shows. */
  ticket?: string;
  /** The ticket or contact whose recordings are shown. */
  about?: string;
}

/** The place of an address's fragment; what is not known is the work place. */
export function placeOf(hash: string): Place {
  const [page, rest] = hash.replace(/^#\/?/, '').split('/', 2);
  switch (page) {
    case 'tickets': {
      const ticket = rest && /^[A-Za-z0-9-]{1,30}$/.test(rest) ? rest : undefined;
      return ticket ? { page, ticket } : { page };
    }
    case 'recordings': {
      const about = rest && /^[A-Za-z0-9-]{1,64}$/.test(rest) ? rest : undefined;
      return about ? { page, about } : { page };
    }
    case 'notices':
    case 'figures':
    case 'talks':
    case 'sound':
      return { page };
    default:
      return { page: 'work' };
  }
}

/** Where the console is; the browser's back and forward work. */
class Route {
  place = $state.raw<Place>(placeOf(typeof location === 'undefined' ? '' : location.hash));

  follow = (): void => {
    this.place = placeOf(location.hash);
  };

  /** Goes to the work place, from wherever. */
  toWork(): void {
    if (this.place.page === 'work') return;
    history.pushState(null, '', location.pathname + location.search);
    this.follow();
  }
}

export const route = new Route();
