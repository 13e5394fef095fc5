export const hydrate = (heading: HTMLElement) => heading.setAttribute("data-hydrated", new Date().toISOString());
