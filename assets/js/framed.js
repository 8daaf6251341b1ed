// On a page of somebody else's: what speaks with it is loaded then.
if (parent !== self) document.head.append(Object.assign(document.createElement('script'), { src: document.currentScript.dataset.embed }));
